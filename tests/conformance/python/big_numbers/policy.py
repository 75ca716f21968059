"""Calculates with numbers that no machine word holds."""


class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters):
        pass

    def eval(self, parameters, input_data, context):
        a, b = input_data["a"], input_data["b"]
        return {"sum": a + b, "product": a * b, "equal": a == b}
