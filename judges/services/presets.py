"""What an owner can connect, by the names people know: each with its provider and usual address."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from judges.models import ProviderName


@dataclass(frozen=True)
class Preset:
    """One choice of the connection form. ``address`` "" has to be entered."""

    key: str
    name: str | Promise
    provider: str
    address: str
    note: str | Promise

    @property
    def help(self) -> str:
        """The address with what to know, for the form."""
        return " – ".join(filter(None, (self.address, str(self.note))))


OTHER = "other"
LABEL_STUDIO = "label_studio"
PRESETS: dict[str, Preset] = {
    preset.key: preset
    for preset in (
        Preset("openai", "OpenAI", ProviderName.OPENAI, "https://api.openai.com/v1", _("a key")),
        Preset(
            "anthropic",
            "Anthropic",
            ProviderName.ANTHROPIC,
            "https://api.anthropic.com",
            _("a key"),
        ),
        Preset(
            "openrouter",
            "OpenRouter",
            ProviderName.OPENAI,
            "https://openrouter.ai/api/v1",
            _("a key"),
        ),
        Preset(
            "ollama",
            "Ollama",
            ProviderName.OPENAI,
            "http://localhost:11434/v1",
            _("your own server"),
        ),
        Preset(
            "vllm", "vLLM", ProviderName.OPENAI, "http://localhost:8000/v1", _("your own server")
        ),
        Preset(
            "llama_cpp",
            "llama.cpp",
            ProviderName.OPENAI,
            "http://localhost:8080/v1",
            _("your own server"),
        ),
        Preset(
            OTHER,
            _("Another OpenAI-compatible endpoint"),
            ProviderName.OPENAI,
            "",
            _("its address usually ends in /v1"),
        ),
        Preset(
            LABEL_STUDIO,
            _("Label Studio ML backend"),
            ProviderName.LABEL_STUDIO,
            "http://localhost:9090",
            _("a model that gives labels; it is asked no prompt"),
        ),
    )
}
