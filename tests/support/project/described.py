"""An application that compares each of its answers with its OpenAPI description, and keeps what differs."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import orjson

from idp.openapi import document

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from idp.app import Application
    from idp.services import Services

ISSUER = "http://localhost:8000"
METHODS = ("get", "head", "post", "put", "delete", "patch", "options", "trace")


@dataclass
class Described:
    """The application behind it is called as it is; `differing` says what was not as described, and how."""

    app: Application
    differing: list[str] = field(default_factory=list)
    seen: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    document: dict[str, Any] = field(default_factory=lambda: document(ISSUER))
    validators: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prepare the paths, those with a variable part last."""
        templates = sorted(self.document["paths"], key=lambda path: "{" in path)
        self.paths = [(re.compile(re.sub(r"\\{\w+\\}", "[^/]*", re.escape(path))), path) for path in templates]

    @property
    def services(self) -> Services:
        """What the application works with."""
        return self.app.services

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer, and compare."""
        said: list[tuple[int, dict[str, str]]] = []

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            said.append((int(status[:3]), {name.lower(): value for name, value in headers}))
            return start_response(status, headers, *rest)

        body = b"".join(self.app(environ, start))
        path = next((path for pattern, path in self.paths if pattern.fullmatch(environ["PATH_INFO"])), None)
        if path is not None:
            status, headers = said[-1]
            method = environ["REQUEST_METHOD"]
            self.seen[path, method, status] += 1
            self._compare(f"{method} {path} {status}", (path, method.lower(), status), headers=headers, body=body)
        return [body]

    def _compare(self, where: str, key: tuple[str, str, int], *, headers: Mapping[str, str], body: bytes) -> None:
        path, method, status = key
        operations = self.document["paths"][path]
        operation = operations.get(method)
        if operation is None:  # no method of this path: any of its operations says how that is refused
            operation = next(operations[name] for name in METHODS if name in operations)
        if str(status) not in operation["responses"]:
            self.differing.append(f"{where}: no such status")
            return
        described = self._resolved(operation["responses"][str(status)])
        for name, reference in described.get("headers", {}).items():
            header = self._resolved(reference)
            value = headers.get(name.lower())
            if value is None and header.get("required"):
                self.differing.append(f"{where}: no {name}")
            elif value is not None and not self._validator(header["schema"]).is_valid(value):
                self.differing.append(f"{where}: {name}: {value}")
        if method == "head" and body:
            self.differing.append(f"{where}: a body")
        elif method != "head":
            self._compare_body(where, described.get("content", {}), kind=headers.get("content-type"), body=body)

    def _compare_body(self, where: str, content: Mapping[str, Any], *, kind: str | None, body: bytes) -> None:
        if not content or kind is None:
            if body or content:
                self.differing.append(f"{where}: {kind} instead of {sorted(content)}")
            return
        media = kind.partition(";")[0].strip().lower()
        if media not in content:
            self.differing.append(f"{where}: {kind} instead of {sorted(content)}")
            return
        value = orjson.loads(body) if media.endswith("json") else body.decode()
        self.differing += [
            f"{where}: {error.message[:300]}" for error in self._validator(content[media]["schema"]).iter_errors(value)
        ]

    def _resolved(self, found: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow a reference within the description, where there is one."""
        if "$ref" not in found:
            return found
        at: Any = self.document
        for name in found["$ref"].removeprefix("#/").split("/"):
            at = at[name]
        return dict(at)

    def _validator(self, schema: Mapping[str, Any]) -> Any:
        key = orjson.dumps(schema).decode()
        if key not in self.validators:
            whole = {**schema, "components": self.document["components"]}
            self.validators[key] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        return self.validators[key]
