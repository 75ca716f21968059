"""Allows so many calls in a sliding window."""


class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters):
        pass

    def eval(self, parameters, input_data, context):
        limit, window = parameters["limit"], parameters["window_seconds"]
        now = input_data["now"]
        recent = sorted(at for at in input_data["requests"] if at > now - window)
        if len(recent) < limit:
            return {"allowed": True, "remaining": limit - len(recent) - 1}
        frees = recent[len(recent) - limit]
        return {"allowed": False, "remaining": 0, "retry_after": frees + window - now}
