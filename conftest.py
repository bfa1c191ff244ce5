"""For every test: what stands in ``shared.testing`` is assertion-rewritten; the Kafka lane."""

import pytest

pytest.register_assert_rewrite("shared.testing")
pytest_plugins = ["shared.testing.kafka"]
