"""Returns values that JSON cannot hold."""

import math


class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters):
        pass

    def eval(self, parameters, input_data, context):
        return {
            "nan": {"scores": [1, 2, math.nan]},
            "infinity": math.inf,
            "set": {"roles": {1, 2}},
            "bytes": b"abc",
            "instance": self,
            "function": len,
            "half of a character": "\ud800",
            "tuple": {"pair": (1, (2, 3))},
            "none": None,
        }[input_data]
