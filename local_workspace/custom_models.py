"""Custom models: loaded when their config is deployed or called, ended when they are idle or replaced.

Between the workspaces, which know what is to be served, and `upstreams.custom`, which knows how.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from local_workspace import registries
from local_workspace.errors import ApiError, UnresolvedSecretError
from local_workspace.lifecycle import Update
from local_workspace.upstreams.custom import answers
from local_workspace.upstreams.custom.fleet import Fleet, Served
from local_workspace.upstreams.custom.process import Launch, ModelLoadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.responses import Response

    from local_workspace.lifecycle import Deployment
    from local_workspace.resources.endpoint_record import Endpoint
    from local_workspace.resources.serving_endpoint import ServingEndpoint
    from local_workspace.settings import Settings
    from local_workspace.workspace import Workspace, Workspaces

_LOOK_SECONDS = 1.0
"""How often what runs is compared with what should."""

_REFERENCE = "{{secrets/"


class CustomModels:
    """The custom models of a server's workspaces.

    Args:
        workspaces: whose endpoints.
        settings: what a model may take.
    """

    def __init__(self, workspaces: Workspaces, *, settings: Settings) -> None:
        self._workspaces = workspaces
        self._settings = settings
        self._fleet = Fleet()
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None

    def resume(self) -> None:
        """Load what was being loaded when the server stopped."""
        for workspace in self._workspaces.all():
            for endpoint in workspace.endpoints.table.all():
                self.deploy(workspace, endpoint.name)

    def deploy(self, workspace: Workspace, name: str) -> None:
        """Begin to load the models of the config that an endpoint is to serve, if it waits for that."""
        endpoint = workspace.endpoints.table.by_name(name)
        pending = None if endpoint is None else endpoint.deployments.pending
        if endpoint is None or pending is None or not pending.loading:
            return
        task = asyncio.create_task(self._load(workspace, endpoint, pending))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._look()

    async def answer(
        self, workspace: Workspace, endpoint: ServingEndpoint, entity: Mapping[str, Any], body: Mapping[str, Any]
    ) -> Response:
        """Answer a call; a model that does not run is loaded first.

        Args:
            workspace: the endpoint's.
            endpoint: what is called; its models are loaded from a registry.
            entity: the served entity that answers.
            body: the caller's.

        Raises:
            ApiError: 500: the model cannot be loaded, or its process ended; 504: it took too long.
        """
        deployment = endpoint.serving
        assert deployment is not None  # noqa: S101 - for mypy: `is_loaded` says so
        deadline = asyncio.get_running_loop().time() + self._settings.model_call_seconds
        served = Served(workspace.id, endpoint.id, deployment.version, entity["name"])
        if self._is_idle(workspace, endpoint.id, deployment, entity):
            self._fleet.stop(served)
        workspace.endpoints.last_calls.note(endpoint.id, entity["name"], now_ms=workspace.clock.now_ms())
        self._look()
        headers = {"served-model-name": str(entity["name"])}
        try:
            async with asyncio.timeout_at(deadline):
                process, _task = await self._fleet.loaded(served, partial(self._launch, workspace, deployment, entity))
        except TimeoutError:
            raise ApiError(
                504, "DEADLINE_EXCEEDED", f"Served entity '{entity['name']}' is still being loaded.", headers=headers
            ) from None
        except (ModelLoadError, UnresolvedSecretError) as error:
            raise ApiError(500, "INTERNAL_ERROR", _cannot_load(entity, error), headers=headers) from None
        return await answers.answer(
            process, body, headers=headers, deadline=deadline, expired=partial(self._fleet.stop, served)
        )

    def logs(self, workspace: Workspace, endpoint: Endpoint, entity: str) -> str:
        """Return what the processes of a served entity printed, of its last config that has any."""
        configs = (endpoint.deployments.pending, endpoint.deployments.serving)
        kept = (
            self._fleet.log(Served(workspace.id, endpoint.id, each.version, entity))
            for each in configs
            if each is not None
        )
        return next(filter(None, kept), "")

    async def aclose(self) -> None:
        """End every process."""
        for task in [*self._tasks, *filter(None, [self._looking])]:
            task.cancel()
        await self._fleet.aclose()

    async def _load(self, workspace: Workspace, endpoint: Endpoint, deployment: Deployment) -> None:
        tasks, problems = [], []

        async def load(entity: Mapping[str, Any]) -> None:
            served = Served(workspace.id, endpoint.id, deployment.version, entity["name"])
            try:
                _process, task = await self._fleet.loaded(served, partial(self._launch, workspace, deployment, entity))
                tasks.append(task)
            except (ModelLoadError, UnresolvedSecretError) as error:
                problems.append(_cannot_load(entity, error))

        await asyncio.gather(*map(load, deployment.config["served_entities"]))
        workspace.endpoints.loaded(
            endpoint.id,
            deployment.version,
            task=next(filter(None, tasks), None),
            problem="; ".join(sorted(problems)) or None,
        )

    def _launch(self, workspace: Workspace, deployment: Deployment, entity: Mapping[str, Any]) -> Launch:
        registry = str(deployment.registry)
        if not registries.is_there(registry):  # MLflow would make an empty one, and say that it holds no such model
            raise ModelLoadError(
                f"there is no registry at {registry}: register the model there, or serve --registry URI"
            )
        variables: dict[str, str] = {}
        secrets = []
        for name, value in (entity.get("environment_vars") or {}).items():
            variables[name] = str(value)
            if variables[name].startswith(_REFERENCE):
                variables[name] = workspace.resolve_secret(variables[name], creator=deployment.creator)
                secrets.append(variables[name])
        return Launch(
            uri=f"models:/{entity['entity_name']}/{entity['entity_version']}",
            registry=registry,
            variables=variables,
            secrets=tuple(secrets),
            memory_bytes=self._settings.model_memory_mb << 20,
        )

    def _look(self) -> None:
        """See to it that what is idle or replaced ends, as long as anything runs."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._end_what_nobody_needs())

    async def _end_what_nobody_needs(self) -> None:
        await asyncio.sleep(_LOOK_SECONDS)
        while running := self._fleet.running():
            needed = set(self._needed())
            for served, is_busy in running.items():
                if served not in needed and not is_busy:
                    self._fleet.stop(served)
            await asyncio.sleep(_LOOK_SECONDS)

    def _needed(self) -> Iterator[Served]:
        for workspace in self._workspaces.all():
            now_ms = workspace.clock.now_ms()
            for endpoint in workspace.endpoints.table.all():
                is_failed = endpoint.deployments.update(now_ms) in {Update.FAILED, Update.CANCELED}
                wanted = (endpoint.deployments.serving, None if is_failed else endpoint.deployments.pending)
                for deployment in filter(None, wanted):
                    for entity in deployment.config["served_entities"]:
                        if not self._is_idle(workspace, endpoint.id, deployment, entity):
                            yield Served(workspace.id, endpoint.id, deployment.version, entity["name"])

    @staticmethod
    def _is_idle(workspace: Workspace, endpoint_id: str, deployment: Deployment, entity: Mapping[str, Any]) -> bool:
        called_ms = workspace.endpoints.last_calls.of(endpoint_id, entity["name"])
        return deployment.scaled_to_zero(entity, called_ms=called_ms, now_ms=workspace.clock.now_ms())


def _cannot_load(entity: Mapping[str, Any], error: Exception) -> str:
    return f"Failed to load {entity['entity_name']} version {entity['entity_version']}: {error}"
