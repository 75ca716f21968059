"""Chooses the least loaded target of a region."""


class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters):
        self.targets = settings["targets"]

    def eval(self, parameters, input_data, context):
        usable = [
            target
            for target in self.targets
            if target["region"] == input_data["region"] and target["load"] <= parameters["load_max"]
        ]
        gold = [target for target in usable if target.get("gold")]
        common = [target for target in usable if not target.get("gold")]
        candidates = gold or common if input_data.get("tier") == "gold" else common
        if not candidates:
            return {"target": "default"}
        chosen = min(candidates, key=lambda target: (target["load"], target["name"]))
        return {"target": chosen["name"], "weight": round(100 * (1 - chosen["load"]))}
