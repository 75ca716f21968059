"""Tries to leave something behind for the next run."""

import json

count = 0


class AIOSv1PolicyRule:
    made = 0

    def __init__(self, rule_id, settings, parameters):
        AIOSv1PolicyRule.made += 1
        self.calls = 0

    def eval(self, parameters, input_data, context):
        global count
        count += 1
        self.calls += 1
        patched = getattr(json, "patched", False)
        json.patched = True
        parameters["list"].append(len(parameters["list"]))
        before = context.get("before")
        context.set("before", 1)
        return {
            "count": count,
            "made": AIOSv1PolicyRule.made,
            "calls": self.calls,
            "patched": patched,
            "list": parameters["list"],
            "before": before,
            "after": context.get("before"),
        }
