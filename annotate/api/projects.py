"""Projects, their questions, and log-in by token."""

from __future__ import annotations

from django.contrib.auth import authenticate
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.address import address_of
from annotate.api.schema import operation
from annotate.api.shapes import ProjectIn, ProjectShape, QuestionShape, TokenIn, TokenShape
from annotate.models import Project, User
from annotate.selectors.questions import questions_live
from annotate.services.accounts import token_get
from annotate.services.projects import OptionDraft, QuestionDraft, project_create
from annotate.services.throttle import (
    LOGIN_OF_ADDRESS,
    LOGIN_OF_NAME,
    attempt_check,
    attempt_count,
    attempts_forget,
)


class LogIn(APIView):
    authentication_classes = ()
    permission_classes = ()

    def get_authenticate_header(self, request: Request) -> str:
        """Without one, a wrong password would be a 403."""
        return "Token"

    @operation(
        "Log in: a token for this account",
        name="token",
        paths=(),
        takes=TokenIn,
        returns=TokenShape,
    )
    def post(self, request: Request) -> Response:
        given = TokenIn(data=request.data)
        given.is_valid(raise_exception=True)
        # Attempts are counted together with those of the log-in screen.
        who = address_of(request._request)
        name = given.validated_data["username"].strip().casefold()
        attempt_check(LOGIN_OF_NAME, who, name)
        attempt_check(LOGIN_OF_ADDRESS, who)
        user = authenticate(request._request, **given.validated_data)
        if not isinstance(user, User):
            attempt_count(LOGIN_OF_NAME, who, name)
            attempt_count(LOGIN_OF_ADDRESS, who)
            raise AuthenticationFailed("User name and password do not match.")
        attempts_forget(LOGIN_OF_NAME, who, name)
        return Response(TokenShape({"token": token_get(user)}).data)


class Projects(APIView):
    @operation("Your projects", name="projects_list", paths=(), returns=ProjectShape(many=True))
    def get(self, request: Request) -> Response:
        person = access.person(request.user)
        found = Project.objects.filter(memberships__user=person).order_by("pk")
        return Response(ProjectShape(found, many=True).data)

    @operation(
        "Start a project",
        name="projects_create",
        paths=(),
        takes=ProjectIn,
        returns=ProjectShape,
        status=201,
    )
    def post(self, request: Request) -> Response:
        founder = access.founder(request.user)
        given = ProjectIn(data=request.data)
        given.is_valid(raise_exception=True)
        data = dict(given.validated_data)
        drafts = [
            QuestionDraft(
                **{**draft, "options": [OptionDraft(**option) for option in draft["options"]]}
            )
            for draft in data.pop("questions")
        ]
        project = project_create(founder, questions=drafts, **data)
        return Response(ProjectShape(project).data, status=201)


class OneProject(APIView):
    @operation("One project", name="project", returns=ProjectShape)
    def get(self, request: Request, project_id: int) -> Response:
        return Response(ProjectShape(access.project_of(request.user, project_id).project).data)


class Questions(APIView):
    @operation(
        "The live questions of a project", name="questions", returns=QuestionShape(many=True)
    )
    def get(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id)
        return Response(QuestionShape(questions_live(place.project), many=True).data)
