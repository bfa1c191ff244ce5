"use strict";
/* A person's own signing key: made in this browser, kept in it, and never readable, not even here.
   What is signed is looked at first: the statement must be about the content shown beside it. */

(() => {
  const $ = (selector, from = document) => from.querySelector(selector);
  const text = (words) => new TextEncoder().encode(words);
  const hex = (data) => [...new Uint8Array(data)].map((one) => one.toString(16).padStart(2, "0")).join("");
  const subject = document.body.dataset.subject;
  const able = window.crypto && crypto.subtle && "indexedDB" in window;

  function keys(mode, work) {
    return new Promise((done, failed) => {
      const asked = indexedDB.open("dixian-keys", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("keys", { keyPath: "subject" });
      asked.onerror = () => failed(asked.error);
      asked.onsuccess = () => {
        const deal = asked.result.transaction("keys", mode);
        const request = work(deal.objectStore("keys"));
        deal.oncomplete = () => { asked.result.close(); done(request.result); };
        deal.onerror = deal.onabort = () => { asked.result.close(); failed(deal.error); };
      };
    });
  }

  const mine = () => keys("readonly", (store) => store.get(subject));
  const signed = async (key, words) => hex(await crypto.subtle.sign("Ed25519", key, text(words)));
  const say = (section, which) => { $("[role=status]", section).textContent = section.dataset[which]; };

  // RFC 8785 of flat ASCII members is JSON.stringify with the names in order.
  const enrolment = (key) => `dixian-key-enrolment/1\n${JSON.stringify({
    format: "dixian-key-enrolment/1", owner: subject, public_key: key,
  })}`;

  async function enrol(section) {
    const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    const shown = hex(await crypto.subtle.exportKey("raw", pair.publicKey));
    await keys("readwrite", (store) => store.put({ subject, key: pair.privateKey, shown }));
    $('[name="public_key"]').value = shown;
    $('[name="proof"]').value = await signed(pair.privateKey, enrolment(shown));
    say(section, "made");
  }

  async function isAbout(section, statement) {
    const content = $("#content", section).textContent;
    const hash = hex(await crypto.subtle.digest("SHA-256", text(content)));
    const [form, body] = statement.split("\n"), said = JSON.parse(body);
    const typed = ["document", "letter", "filed_on", "because"].every((name) => {
      const field = $(`form.act [name="${name}"]:checked`) || $(`form.act [name="${name}"]:not([type=radio])`);
      return (field ? field.value.trim() : "") === (said[name] || "");
    });
    return form === "dixian-gate-decision/1" && said.content_sha256 === hash && said.decided_by === subject && typed;
  }

  async function decide(section) {
    const statement = $("#statement", section).textContent;
    if (!(await isAbout(section, statement))) return say(section, "bad");
    $('[name="signature"]').value = await signed((await mine()).key, statement);
    say(section, "signed");
    $("form.act .send button").focus();
  }

  async function prepare() {
    const section = $("#signing");
    if (!section || !able) return;
    const button = $("button", section), kept = await mine();
    const decides = section.dataset.publicKey !== undefined;
    if (decides && (!kept || kept.shown !== section.dataset.publicKey)) return say(section, "none");
    if (!decides && kept) say(section, "kept");
    button.hidden = false;
    button.onclick = () => (decides ? decide : enrol)(section).catch(() => say(section, "unable"));
  }

  document.addEventListener("dixian:page", prepare);
  prepare();
})();
