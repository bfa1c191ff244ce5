"""For every test: what stands in ``shared.testing`` is assertion-rewritten; the Kafka lane."""

import hypothesis
import pytest

pytest.register_assert_rewrite("shared.testing")
pytest_plugins = ["shared.testing.kafka"]

# How long an example takes says what else the machine does, and nothing about the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")
