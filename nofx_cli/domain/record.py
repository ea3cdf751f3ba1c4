"""`@record`: a frozen, slotted dataclass whose class costs next to nothing to make.

`dataclasses` writes and compiles five methods for every class, and `nofx run` loads about eighty small ones. Events
and outcomes alone took 161 million instructions to import that way, and take 60 million so (`import typer`: 240
million; counted with valgrind). Here the methods are written once and shared;
the result is a dataclass all the same: `fields`, `replace` and pattern matching work on it.

Making an instance takes about twice as long as with a plain dataclass (2 µs), so the few classes that are made in
great numbers (`Event`, `Draft`) stay plain ones.
"""

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Make a frozen, slotted dataclass of a class with annotated fields."""
    made: Any = dataclass(init=False, repr=False, eq=False, match_args=False, slots=True)(cls)
    all_fields = fields(made)
    setattr(made, "__match_args__", tuple(item.name for item in all_fields))  # noqa: B010 - mypy owns the assignment
    made.__record__ = tuple((item.name, getattr(made, item.name).__set__, *_default(item)) for item in all_fields)
    for name, method in _SHARED.items():
        setattr(made, name, method)
    return made  # type: ignore[no-any-return]


def _default(item: Field[Any]) -> tuple[object, Callable[[], object] | None]:
    factory = None if item.default_factory is MISSING else item.default_factory
    return item.default, factory


def _init(self: Any, *args: object, **named: object) -> None:
    shape, given = self.__record__, len(args)
    for (_, put, _, _), value in zip(shape, args, strict=False):
        put(self, value)
    for name, put, default, factory in shape[given:]:
        if name in named:
            put(self, named.pop(name))
        elif default is not MISSING:
            put(self, default)
        elif factory is not None:
            put(self, factory())
        else:
            raise TypeError(f"{type(self).__name__}() needs {name!r}")
    if named or given > len(shape):
        what = f"no {next(iter(named))!r}, or has it twice" if named else f"only {len(shape)} fields"
        raise TypeError(f"{type(self).__name__}() has {what}")


def _values(self: Any) -> tuple[object, ...]:
    return tuple(getattr(self, name) for name in self.__match_args__)


def _eq(self: Any, other: object) -> bool:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _repr(self: Any) -> str:
    inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
    return f"{type(self).__qualname__}({inside})"


def _frozen(self: Any, name: str, *_value: object) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot change {name!r} of {type(self).__name__}")


_SHARED = {
    "__init__": _init,
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _frozen,
    "__delattr__": _frozen,
}
