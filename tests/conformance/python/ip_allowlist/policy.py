"""Allows a request whose address is on a list."""


class AIOSv1PolicyRule:
    """Merges two lists: the operator's, from the settings, and the caller's own."""

    def __init__(self, rule_id, settings, parameters):
        self.rule_id = rule_id
        self.remote_allowlist = settings.get("remote_allowlist", [])
        self.local_allowlist = parameters.get("local_allowlist", [])

    def eval(self, parameters, input_data, context):
        local_allowlist = parameters.get("local_allowlist", self.local_allowlist)
        ip = input_data.get("ip")
        if ip is None:
            return self.decision(False, input_data, "IP missing from the input")
        if ip in self.merged(local_allowlist):
            return self.decision(True, input_data, "allowed")
        return self.decision(False, input_data, "denied")

    def management(self, action, data):
        if action == "list":
            return {"status": "success", "allowlist": self.merged(self.local_allowlist)}
        if action == "contains":
            return {"status": "success", "contains": data["ip"] in self.merged(self.local_allowlist)}
        return {"status": "error", "message": f"Unknown action '{action}'"}

    def merged(self, local_allowlist):
        return sorted({*local_allowlist, *self.remote_allowlist})

    @staticmethod
    def decision(allowed, input_data, reason):
        return {"allowed": allowed, "input_data": input_data, "reason": reason}
