from __future__ import annotations

from collections.abc import Callable

import pytest

from provisioning.errors import Diagnostic
from provisioning.model.workspace import Desired

Load = Callable[..., Desired]
Find = Callable[..., tuple[Diagnostic, ...]]

BUNDLE = """
bundle: {name: demo}
targets:
  local: {default: true}
  prod:
    mode: production
    deployer: 0f0f0f0f-aaaa-bbbb-cccc-0123456789ab
    workspace: {host: https://w.example, profile: prod}
    resources:
      model_serving_endpoints:
        e: {description: in prod, tags: [{key: stage, value: prod}], config: {traffic_config: }}
resources:
  model_serving_endpoints:
    e: {name: chat, tags: [{key: team, value: a}]}
"""


def test_configs_without_targets_have_one(loaded: Load) -> None:
    assert loaded("resources: {}").target.name == "default"


def test_the_default_target_is_meant_when_none_is_named(loaded: Load) -> None:
    assert loaded(BUNDLE).target.name == "local"
    assert loaded("targets: {only: {}}").target.name == "only"


def test_a_target_brings_its_workspace_mode_and_deployer(loaded: Load) -> None:
    target = loaded(BUNDLE, target="prod").target
    assert (target.host, target.profile, target.mode) == ("https://w.example", "prod", "production")
    assert target.deployer == "0f0f0f0f-aaaa-bbbb-cccc-0123456789ab"
    assert target.position is not None


def test_overrides_merge_mappings_and_append_lists(loaded: Load) -> None:
    endpoint = loaded(BUNDLE, target="prod").endpoints[0]
    assert (endpoint.name, endpoint.description) == ("chat", "in prod")
    assert [tag.key for tag in endpoint.tags or ()] == ["team", "stage"]


def test_overrides_of_one_target_stay_out_of_another(loaded: Load) -> None:
    assert loaded(BUNDLE).endpoints[0].description is None


def test_run_as_stands_in_for_a_deployer(loaded: Load) -> None:
    assert loaded("run_as: {service_principal_name: sp}").target.deployer == "sp"


def test_a_target_replaces_run_as_as_a_whole(loaded: Load) -> None:
    text = "run_as: {service_principal_name: sp}\ntargets: {t: {run_as: {user_name: ann@example.com}}}"
    assert loaded(text).target.deployer == "ann@example.com"


@pytest.mark.parametrize("truth", ["true", "yes", "on", "'true'"])
def test_every_word_for_true_makes_a_default(loaded: Load, truth: str) -> None:
    assert loaded(f"targets: {{a: {{}}, b: {{default: {truth}}}}}").target.name == "b"


@pytest.mark.parametrize(
    "host",
    [
        "https://a.cloud.databricks.com",
        "a.cloud.databricks.com",
        "https://adb-1.2.azuredatabricks.net/?o=1",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
    ],
)
def test_a_host_is_the_address_of_a_workspace(loaded: Load, host: str) -> None:
    assert loaded(f"workspace: {{host: '{host}'}}").target.host == host


@pytest.mark.parametrize(
    "host", ["not an address", "ftp://a.example", "https://user:hunter2@a.example", "https://a.example:port"]
)
def test_a_host_that_is_no_address_is_reported_and_its_password_not_shown(found: Find, host: str) -> None:
    report = found(f"workspace: {{host: '{host}'}}")
    assert [each.code for each in report] == ["P214"]
    assert "hunter2" not in repr(report)


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        (BUNDLE, {"target": "prdo"}, "P401"),
        ("resources: {}", {"target": "prod"}, "P401"),
        ("targets: {a: {}, b: {}}", {}, "P402"),
        ("targets: {a: {default: true}, b: {default: true}}", {}, "P406"),
        ("targets: {a: {mode: prod}}", {}, "P204"),
        ("targets: {a: {resuorces: {}}}", {}, "P201"),
        ("workspace: {hots: https://x}", {}, "P201"),
        ("workspace: {host: 5}", {}, "P203"),
        ("workspace: {auth_type: pat}", {}, "P407"),
    ],
)
def test_what_is_wrong_with_targets_is_reported(found: Find, text: str, options: dict[str, str], code: str) -> None:
    assert code in {each.code for each in found(text, **options)}


class TestPresets:
    RESOURCES = "resources: {model_serving_endpoints: {e: {name: chat}}, secret_scopes: {s: {name: keys}}}\n"

    def names(self, desired: Desired) -> tuple[str, str]:
        return desired.endpoints[0].name, desired.scopes[0].name

    def test_a_prefix_renames_endpoints_but_not_scopes(self, loaded: Load) -> None:
        assert self.names(loaded(self.RESOURCES + "presets: {name_prefix: 'Team A '}")) == ("team_achat", "keys")
        assert self.names(loaded(self.RESOURCES + "presets: {name_prefix: 'a_'}")) == ("a_chat", "keys")
        assert self.names(loaded(self.RESOURCES + "presets: {name_prefix: '[dev x] '}")) == ("dev_x_chat", "keys")

    def test_development_mode_has_a_prefix_of_its_own(self, loaded: Load) -> None:
        desired = loaded(self.RESOURCES + "targets: {d: {mode: development}}")
        assert self.names(desired) == ("dev_${workspace.current_user.short_name}_chat", "keys")

    def test_a_preset_wins_over_development_mode(self, loaded: Load) -> None:
        desired = loaded(self.RESOURCES + "targets: {d: {mode: development, presets: {name_prefix: ''}}}")
        assert self.names(desired) == ("chat", "keys")

    def test_references_see_the_prefixed_name(self, loaded: Load) -> None:
        desired = loaded(
            "presets: {name_prefix: a-}\n"
            "resources: {model_serving_endpoints: {e: {name: chat}, f: {name: f, description: "
            "'${resources.model_serving_endpoints.e.name}'}}}"
        )
        assert desired.endpoints[1].description == "a-chat"


class TestPermissionsOfTheWholeBundle:
    BUNDLE = """
    permissions:
      - {level: CAN_MANAGE, group_name: admins}
      - {level: CAN_RUN, group_name: users}
      - {level: CAN_VIEW, user_name: eve@example.com}
    resources:
      model_serving_endpoints: {e: {name: e, permissions: [{level: CAN_VIEW, group_name: users}]}}
      secret_scopes: {s: {name: s}}
    """

    def test_each_type_has_its_own_names_for_the_levels(self, loaded: Load) -> None:
        scope = loaded(self.BUNDLE).scopes[0]
        assert [(each.principal, each.level) for each in scope.permissions or ()] == [
            ("admins", "MANAGE"),
            ("eve@example.com", "READ"),
        ]

    def test_a_resource_keeps_its_own_level_for_a_principal(self, loaded: Load) -> None:
        endpoint = loaded(self.BUNDLE).endpoints[0]
        assert [(each.principal, each.level) for each in endpoint.permissions or ()] == [
            ("users", "CAN_VIEW"),
            ("admins", "CAN_MANAGE"),
            ("eve@example.com", "CAN_VIEW"),
        ]

    def test_what_has_no_level_for_a_type_leaves_its_rights_unmanaged(self, loaded: Load) -> None:
        text = "permissions: [{level: CAN_RUN, group_name: users}]\nresources: {secret_scopes: {s: {name: s}}}"
        assert "permissions" not in loaded(text).scopes[0].model_fields_set

    @pytest.mark.parametrize("resources", ["{secret_scopes: [a]}", "{secret_scopes: {s: {name: s, permissions: 5}}}"])
    @pytest.mark.parametrize("spread", ["permissions: [{level: CAN_VIEW, group_name: a}]", "presets: {name_prefix: a}"])
    def test_what_is_malformed_is_still_reported(self, found: Find, resources: str, spread: str) -> None:
        assert [each.code for each in found(f"{spread}\nresources: {resources}")] == ["P203"]

    def test_an_unknown_level_is_reported(self, found: Find) -> None:
        assert "P204" in {each.code for each in found("permissions: [{level: CAN_USE, group_name: a}]")}


class TestTheBundleAsAWhole:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("python: {resources: [x]}", "P403"),
            ("experimental: {python: {venv_path: x}}", "P403"),
            ("environments: {a: {}}", "P403"),
            ("resuorces: {}", "P201"),
            ("secret_scopes: {}", "P201"),
            ("my-anchors: {a: 1}", "P407"),
            ("resources: {secret_scope: {}}", "P201"),
            ("resources: {jobs: {}, pipelines: {}}", "P404"),
            ("resources: {model_services: {}}", "P405"),
            ("resources: {secrets: {}}", "P405"),
            ("resources: {model_provider_services: {}}", "P405"),
            ("resources: {secret_scopes: [a]}", "P203"),
            ("provisioning: {secrets_scopes: {}}", "P201"),
            ("provisioning: {secret_scopes: {s: {secrets: {}}}}", "P201"),
            ("provisioning: {secret_scopes: [a]}", "P203"),
            ("permissions: {a: b}", "P203"),
            ("variables: [a]", "P203"),
            ("targets: [a]", "P203"),
            ("targets: {a: [b]}", "P203"),
            ("targets: {a: {permissions: {b: c}}}", "P203"),
            ("resources: text", "P203"),
            ("bundle: {nmae: x}", "P201"),
            ("presets: {name_prefx: x}", "P201"),
        ],
    )
    def test_what_is_not_ours_is_skipped_said_or_refused(self, found: Find, text: str, code: str) -> None:
        assert [each.code for each in found(text)] == [code]

    @pytest.mark.parametrize(
        "text", ["sync: {include: [a]}", "artifacts: {}", "scripts: {}", "experimental: {x: 1}", "resources:"]
    )
    def test_what_does_not_concern_us_is_accepted(self, found: Find, text: str) -> None:
        assert found(text) == ()

    def test_other_types_are_named_in_one_note(self, found: Find) -> None:
        notes = found("resources: {jobs: {a: {}}, pipelines: {b: {}}, apps: {}}")
        assert len(notes) == 1
        assert "apps, jobs, pipelines" in notes[0].message

    def test_additions_may_stand_below_resources_or_directly(self, loaded: Load) -> None:
        scopes = "{s: {secrets: {k: {env: X}}}}"
        for side in (f"{{secret_scopes: {scopes}}}", f"{{resources: {{secret_scopes: {scopes}}}}}"):
            desired = loaded(f"resources: {{secret_scopes: {{s: {{name: s}}}}}}\nprovisioning: {side}\n")
            assert set(desired.scopes[0].secrets or {}) == {"k"}

    def test_additions_may_differ_between_targets(self, loaded: Load) -> None:
        desired = loaded(
            """
            targets: {t: {}}
            resources: {secret_scopes: {s: {name: s}}}
            provisioning: {targets: {t: {deployer: ann, secret_scopes: {s: {secrets: {k: {env: X}}}}}}}
            """
        )
        assert desired.target.deployer == "ann"
        assert set(desired.scopes[0].secrets or {}) == {"k"}
