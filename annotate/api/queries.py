"""What may follow the ? of a list."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from annotate.api.shapes import MAX_ID
from annotate.models import LabelStatus, RaterKind

MAX_PAGE = 1000


class PageQuery(serializers.Serializer[dict[str, Any]]):
    """Which page: what every list takes."""

    cursor = serializers.CharField(
        required=False, max_length=1000, help_text="From next or previous of a page."
    )
    page_size = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_PAGE, help_text="Rows of a page, else 100."
    )

    @classmethod
    def asked(cls, request: Request) -> dict[str, Any]:
        """What was asked besides the page. Raises ValidationError for what makes no sense."""
        query = cls(data=request.query_params)
        query.is_valid(raise_exception=True)
        return {
            name: value
            for name, value in query.validated_data.items()
            if name not in PageQuery().fields
        }


class ItemQuery(PageQuery):
    external_id = serializers.CharField(
        required=False, max_length=500, help_text="The item with this external id."
    )


class LabelQuery(PageQuery):
    status = serializers.ChoiceField(
        choices=LabelStatus.choices, required=False, help_text="Else the live ones."
    )
    kind = serializers.ChoiceField(choices=RaterKind.choices, required=False)
    item = serializers.IntegerField(min_value=1, max_value=MAX_ID, required=False)
    question = serializers.SlugField(max_length=50, required=False, help_text="Its key.")
    rater = serializers.IntegerField(min_value=1, max_value=MAX_ID, required=False)
