"use strict";
/* What the pages can do better with a script; everything works without it.
   Drafts while typing, sending again after a lost connection, smaller photographs, proofs checked. */

(() => {
  const $ = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  /* -- drafts: what was typed comes back when the page is opened again ------------------------- */

  const kept = (field) => field.name && !field.name.startsWith("_") && field.type !== "file";
  const storeOf = (field) => (field.dataset.personal === undefined ? localStorage : sessionStorage);
  const draftKey = (form, store) => `draft ${form.dataset.draft}${store === localStorage ? "" : " p"}`;

  // A date that stood there already is not part of a draft: tomorrow it is another.
  function touched(field) {
    if (/radio|checkbox/.test(field.type)) return field.checked && !field.defaultChecked;
    if (field.options) return ![...field.options].every((one) => one.selected === one.defaultSelected) && field.value;
    return field.value && field.value !== field.defaultValue;
  }

  function saveDraft(form) {
    for (const store of [localStorage, sessionStorage]) {
      const fields = all("input, select, textarea", form).filter((f) => kept(f) && storeOf(f) === store);
      store.setItem(draftKey(form, store), JSON.stringify(fields.filter(touched).map((f) => [f.name, f.value])));
    }
  }

  function restoreDraft(form) {
    for (const store of [localStorage, sessionStorage]) {
      const values = JSON.parse(store.getItem(draftKey(form, store)) || "[]");
      const unused = [...values];
      for (const field of all("input, select, textarea", form).filter((f) => kept(f) && storeOf(f) === store)) {
        const toggles = /radio|checkbox/.test(field.type);
        const at = unused.findIndex(([name, value]) => name === field.name && (!toggles || value === field.value));
        if (at < 0) continue;
        if (toggles) field.checked = true;
        else field.value = unused[at][1];
        if (!toggles) unused.splice(at, 1);
      }
    }
  }

  function forgetDraft(key) {
    localStorage.removeItem(`draft ${key}`);
    sessionStorage.removeItem(`draft ${key} p`);
  }

  /* -- the outbox: forms that could not be sent, kept with their files until they are ---------- */

  function outbox(mode, work) {
    return new Promise((done, failed) => {
      const asked = indexedDB.open("dixian", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("outbox", { keyPath: "key" });
      asked.onerror = () => failed(asked.error);
      asked.onsuccess = () => {
        const deal = asked.result.transaction("outbox", mode);
        const request = work(deal.objectStore("outbox"));
        deal.oncomplete = () => { asked.result.close(); done(request.result); };
        deal.onerror = () => { asked.result.close(); failed(deal.error); };
      };
    });
  }

  function tell(which, link) {
    const notice = $("#offline");
    if (!notice) return;
    notice.hidden = !which;
    if (!which) return;
    notice.textContent = notice.dataset[which];
    if (link) {
      const there = document.createElement("a");
      there.href = link;
      there.textContent = notice.dataset.open;
      notice.append(" ", there);
    }
  }

  async function post(item) {
    const body = new FormData();
    for (const [name, value, file] of item.fields) {
      if (file) body.append(name, value, file);
      else body.append(name, value);
    }
    const token = $('input[name="_csrf"]');
    if (token) body.set("_csrf", token.value);
    const answer = await fetch(item.url, { method: "POST", body, headers: { "X-Dixian-Resend": "1" } });
    if (answer.status >= 500) throw new TypeError("not now");
    return answer;
  }

  let sending = false;
  async function flush() {
    if (sending || !("indexedDB" in window)) return;
    sending = true;
    try {
      for (const item of await outbox("readonly", (store) => store.getAll())) {
        if (!document.body.dataset.subject || item.subject !== document.body.dataset.subject) continue;
        tell("sending");
        const answer = await post(item);
        if (answer.status === 401) { tell("again"); return; }
        await outbox("readwrite", (store) => store.delete(item.key));
        tell("");
        await finish(item, answer);
      }
    } catch {
      tell("waiting");
    } finally {
      sending = false;
    }
  }

  async function finish(item, answer) {
    const path = new URL(item.url).pathname, here = path === location.pathname;
    const then = answer.headers.get("X-Dixian-Then");
    if (then) {
      forgetDraft(item.draft);
      if (here) location.assign(then);
      else tell("sent", then);
      return;
    }
    if (!here) {
      tell("refused", path);
      return;
    }
    show(await answer.text(), item);
    const refusal = $("#refusal");
    if (refusal) refusal.focus();
  }

  function show(text, sent) {
    const page = new DOMParser().parseFromString(text, "text/html");
    $("main").replaceWith($("main", page));
    document.title = page.title;
    if (sent) giveBack(sent);
    prepare();
  }

  /* What was refused before it lay anywhere: the files go back to where they were chosen. */
  function giveBack(item) {
    const form = $("form[data-resend]");
    for (const field of form ? all('input[type="file"]', form) : []) {
      const files = item.fields.filter(([name, value]) => name === field.name && value instanceof File && value.size);
      if (!files.length || $(`input[name="${CSS.escape(`${field.name}.kept`)}"]`, form)) continue;
      const box = new DataTransfer();
      for (const [, file] of files) box.items.add(file);
      field.files = box.files;
      field.closest(".field").classList.remove("at-fault");
      const fault = document.getElementById(`${field.id}-fault`);
      if (fault) fault.remove();
      for (const link of all(`#refusal a[href="#${CSS.escape(field.id)}"]`)) link.closest("li").remove();
    }
  }

  async function send(form, button) {
    const data = new FormData(form, button);
    const item = {
      key: data.get("_key"), url: form.action, draft: form.dataset.draft,
      subject: document.body.dataset.subject,
      fields: [...data].filter(([name]) => name !== "_csrf")
        .map(([name, value]) => (value instanceof File ? [name, value, value.name] : [name, value])),
    };
    for (const other of all("button", form)) other.disabled = true;
    try {
      const answer = await arrived(item);
      if (answer) await finish(item, answer);
    } finally {
      for (const other of all("button", form)) other.disabled = false;
    }
  }

  // Only what did not arrive waits to be sent again, whatever goes wrong with showing an answer.
  async function arrived(item) {
    try {
      const answer = await post(item);
      if (answer.status !== 401) return answer;
    } catch { /* told below, like a session that ended */ }
    await outbox("readwrite", (store) => store.put(item));
    tell("waiting");
    return null;
  }

  /* -- files: how far one is on its way, and how far the work on it is -------------------------- */

  function upload(form, button) {
    const asked = new XMLHttpRequest(), told = $("[data-sending]", form), bar = $("progress", told);
    const say = (words, busy) => {
      $("label", told).textContent = words;
      told.hidden = false;
      for (const other of all("button", form)) other.disabled = busy;
    };
    asked.upload.onprogress = (sent) => { bar.max = sent.total; bar.value = sent.loaded; };
    asked.onerror = () => say(told.dataset.broken, false);
    asked.onload = () => {
      const then = asked.getResponseHeader("X-Dixian-Then");
      if (asked.status === 401) location.assign(`/sign-in?then=${encodeURIComponent(location.pathname)}`);
      else if (then) location.assign(then);
      else show(asked.responseText);
    };
    asked.open("POST", form.action);
    asked.setRequestHeader("X-Dixian-Resend", "1");
    asked.send(new FormData(form, button));
    say(told.dataset.sending, true);
  }

  function follow(section) {
    setTimeout(async () => {
      try {
        const answer = await fetch(location.href);
        if (answer.ok) show(await answer.text());
        else location.reload();
      } catch {
        follow(section);
      }
    }, 1000 * section.dataset.refresh);
  }

  /* -- photographs: no wider than they need to be ----------------------------------------------- */

  async function shrink(field) {
    const box = new DataTransfer();
    for (const file of field.files) box.items.add(await smaller(file));
    field.files = box.files;
  }

  async function smaller(file) {
    if (!/^image\/(jpeg|png|webp)$/.test(file.type) || file.size < 400000) return file;
    try {
      const picture = await createImageBitmap(file);
      const scale = Math.min(1, 1600 / Math.max(picture.width, picture.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(picture.width * scale);
      canvas.height = Math.round(picture.height * scale);
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.82));
      if (!blob || blob.size >= file.size) return file;
      return new File([blob], file.name.replace(/\.\w+$/, ".jpg"), { type: "image/jpeg" });
    } catch {
      return file;
    }
  }

  /* -- proofs: RFC 6962 inclusion and the log's Ed25519 signature, checked here ----------------- */

  const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const joined = (...parts) => {
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
    return whole;
  };
  const sha256 = async (data) => new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  const same = (a, b) => a.length === b.length && a.every((value, place) => value === b[place]);
  const text = (words) => new TextEncoder().encode(words);

  async function rootOf(index, size, leaf, path) {
    let hash = await sha256(joined(Uint8Array.of(0), leaf));
    let place = BigInt(index), last = BigInt(size) - 1n;
    for (const step of path) {
      if (last === 0n) return null;
      if (place % 2n === 1n || place === last) {
        hash = await sha256(joined(Uint8Array.of(1), step, hash));
        while (place % 2n === 0n && place !== 0n) { place >>= 1n; last >>= 1n; }
      } else {
        hash = await sha256(joined(Uint8Array.of(1), hash, step));
      }
      place >>= 1n; last >>= 1n;
    }
    return last === 0n ? hash : null;
  }

  async function signed(note, vkey) {
    const cut = note.lastIndexOf("\n\n");
    const [name, id, key] = vkey.split(/\+(.{8})\+/);
    const line = note.slice(cut + 2).split("\n").find((one) => one.startsWith(`\u2014 ${name} `));
    if (!line) return false;
    const blob = bytes(line.split(" ")[2]), publicKey = bytes(key);
    const stated = [...blob.slice(0, 4)].map((one) => one.toString(16).padStart(2, "0")).join("");
    if (stated !== id || publicKey[0] !== 1) return false;
    const known = await crypto.subtle.importKey("raw", publicKey.slice(1), "Ed25519", false, ["verify"]);
    return crypto.subtle.verify("Ed25519", known, blob.slice(4), text(note.slice(0, cut + 1)));
  }

  async function verify(section) {
    const proof = $("#proof").textContent, leaf = text($("#leaf").textContent);
    const [head, ...rest] = proof.split("\n\n");
    const note = rest.join("\n\n"), lines = head.split("\n").filter((line) => !line.startsWith("extra "));
    const [origin, size, root] = note.split("\n");
    const path = lines.slice(2).map(bytes);
    const found = await rootOf(lines[1].replace("index ", ""), size, leaf, path);
    if (origin !== section.dataset.log || !found || !same(found, bytes(root))) return "bad";
    try {
      return (await signed(note, section.dataset.vkey)) ? "good" : "bad";
    } catch {
      return "half";
    }
  }

  /* -- what is asked only after a certain answer ------------------------------------------------ */

  function askOnly(form) {
    const told = () => {
      for (const part of all("[data-only-if]", form)) {
        const { onlyIf, is } = part.dataset;
        const chosen = $(`input[name="${CSS.escape(onlyIf)}"]:checked`, form);
        const parent = chosen && chosen.closest("[data-only-if]");
        part.hidden = !chosen || chosen.value !== is || Boolean(parent && parent.hidden);
      }
    };
    form.addEventListener("change", told);
    told();
  }

  /* -- a page's beginnings ---------------------------------------------------------------------- */

  function prepare() {
    for (const form of all("form[data-resend]")) {
      if (form.dataset.fresh !== undefined) restoreDraft(form);
      askOnly(form);
      let timer = 0;
      form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => saveDraft(form), 400); });
      form.addEventListener("submit", (event) => {
        clearTimeout(timer);
        saveDraft(form);
        // A paper to look at goes to a window of its own: the form stays as it is.
        if (event.submitter && event.submitter.formTarget) return;
        event.preventDefault();
        send(form, event.submitter);
      });
    }
    for (const field of all('input[type="file"]')) field.addEventListener("change", () => shrink(field));
    for (const button of all("[data-print]")) button.addEventListener("click", () => print());
    for (const form of all("form[data-upload]")) form.addEventListener("submit", (event) => {
      event.preventDefault();
      upload(form, event.submitter);
    });
    for (const section of all("[data-refresh]")) follow(section);
    const section = $("#verify");
    if (section) $("#verdict").textContent = $("#verdict").dataset.checking;
    if (section) verify(section).catch(() => "bad").then((verdict) => {
      $("#verdict").textContent = section.dataset[verdict];
      $("#verdict").className = verdict === "bad" ? "fault" : "said";
    });
    document.dispatchEvent(new Event("dixian:page"));
  }

  prepare();
  for (const form of all('form[action="/sign-out"]')) form.addEventListener("submit", () => {
    // Somebody else may sit down here next.
    for (const key of Object.keys(localStorage)) if (key.startsWith("draft ")) localStorage.removeItem(key);
    sessionStorage.clear();
  });
  addEventListener("online", flush);
  setInterval(flush, 5000);
  flush();
})();
