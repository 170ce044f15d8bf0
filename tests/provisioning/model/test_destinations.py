from __future__ import annotations

import pytest

from provisioning.model.destinations import sendings


@pytest.mark.parametrize("address", ["http://[::1", "https://h:port/", "https://[x]/", "//", "…"])
def test_an_address_that_nobody_can_read_is_still_told_from_others(address: str) -> None:
    config = {"openai_api_key": "{{secrets/s/k}}", "openai_api_base": address}
    [sending] = sendings({"external_model": {"provider": "openai", "openai_config": config}})
    assert sending.to not in {"", "openai"}
