"""Asking the API as somebody, for the tests of its operations."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from annotate.models import User
from annotate.services.accounts import token_get
from tests.personas import Story

PROBLEM = "application/problem+json"
ROOT = "/api/v1/"


class Api:
    """Somebody with a token (None: nobody). Paths are below /api/v1/, or below a project there."""

    def __init__(self, person: User | None, project_id: int | None = None) -> None:
        self._client = Client()
        self._headers = {"Authorization": f"Token {token_get(person)}"} if person else {}
        self._below = ROOT if project_id is None else f"{ROOT}projects/{project_id}/"

    def get(self, path: str = "", **query: Any) -> Any:
        return self._client.get(self._below + path, query, headers=self._headers)

    def post(self, path: str, body: Any = None, *, raw: bytes | None = None) -> Any:
        return self.ask("POST", path, body, raw=raw)

    def delete(self, path: str) -> Any:
        return self.ask("DELETE", path)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        media: str = "application/json",
    ) -> Any:
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        return self._client.generic(
            method, self._below + path, data, content_type=media, headers=self._headers
        )


def everybody(s: Story, method: str, path: str, body: Any = None) -> dict[str, int]:
    """The status that each role, a stranger and nobody get for an address below the project."""
    people = {
        "owner": s.olga,
        "reviewer": s.rhea,
        "annotator": s.ben,
        "viewer": s.vic,
        "stranger": s.sam,
        "nobody": None,
    }
    found = {}
    for role, person in people.items():
        response = Api(person, s.project.pk).ask(method, path, body)
        if response.status_code >= 400:
            assert_problem(response)
        found[role] = response.status_code
    return found


def assert_problem(response: HttpResponse, status: int | None = None, code: str = "") -> Any:
    """The reply is a refusal in the one format; returns it."""
    assert response["Content-Type"] == PROBLEM, response.content[:500]
    found = json.loads(response.content)
    assert found["status"] == response.status_code
    assert found["type"].startswith("concord:")
    assert found["title"]
    assert found["detail"]
    if status is not None:
        assert response.status_code == status, found
    if code:
        assert found["type"] == f"concord:{code}"
    return found
