"""Fails in the ways that a policy can fail by itself."""


class QuotaExceeded(Exception):
    pass


class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters):
        if parameters.get("broken"):
            raise RuntimeError("the settings are broken")

    def eval(self, parameters, input_data, context):
        return getattr(self, input_data["how"])(input_data)

    def builtin(self, input_data):
        raise ValueError("the amount is negative")

    def own(self, input_data):
        raise QuotaExceeded("quota é of 10 is used up")

    def missing_key(self, input_data):
        return input_data["amount"]

    def silent(self, input_data):
        raise ValueError

    def caught(self, input_data):
        try:
            return 1 // 0
        except ZeroDivisionError as error:
            return {"caught": str(error)}
