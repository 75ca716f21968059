"""The part of `inspect` that `dataclasses` and `typing` need; a policy cannot import it."""


def signature(*args, **kwargs):
    raise ValueError("no signature found")


def unwrap(function, *, stop=None):
    while hasattr(function, "__wrapped__") and not (stop and stop(function)):
        function = function.__wrapped__
    return function


def getattr_static(obj, attr, default=None):
    values = getattr(obj, "__dict__", {})
    if attr in values:
        return values[attr]
    for kind in (obj if isinstance(obj, type) else type(obj)).__mro__:
        if attr in kind.__dict__:
            return kind.__dict__[attr]
    if default is None:
        raise AttributeError(attr)
    return default
