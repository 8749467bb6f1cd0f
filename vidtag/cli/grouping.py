"""Options in groups: a command takes whole groups, and Typer sees each option by itself."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, dataclass_transform, get_type_hints

Group = TypeVar("Group")


@dataclass_transform(kw_only_default=True, eq_default=False)
def option_group(kind: type[Group]) -> type[Group]:
    """Make a dataclass of a class of options, without methods that nobody calls.

    Making those would take a twentieth of the time of `--help`.
    """
    return dataclass(kw_only=True, eq=False, repr=False, match_args=False)(kind)


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take its options in groups, which are dataclasses of annotated fields.

    Typer sees one option for each field, in the order of the groups; the command gets the groups.
    """
    signature = inspect.signature(command)
    kinds = get_type_hints(command, include_extras=True)
    groups: dict[str, type[Any]] = {
        name: kind
        for name, kind in kinds.items()
        if isinstance(kind, type) and dataclasses.is_dataclass(kind)
    }
    flat: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        if name not in groups:
            flat.append(parameter.replace(annotation=kinds[name]))
            continue
        hints = get_type_hints(groups[name], include_extras=True)
        flat += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=hints[field.name],
            )
            for field in dataclasses.fields(groups[name])
        ]

    @functools.wraps(command)
    def take_flat(**values: Any) -> None:
        for name, kind in groups.items():
            own = {field.name: values.pop(field.name) for field in dataclasses.fields(kind)}
            values[name] = kind(**own)
        command(**values)

    take_flat.__dict__["__signature__"] = signature.replace(parameters=flat)
    take_flat.__annotations__ = {parameter.name: parameter.annotation for parameter in flat}
    return take_flat
