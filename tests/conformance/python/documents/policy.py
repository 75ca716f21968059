"""Returns every document that a policy sees."""


class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters):
        self.seen = {"rule_id": rule_id, "settings": settings, "made_with": parameters}

    def eval(self, parameters, input_data, context):
        return {**self.seen, "parameters": parameters, "input_data": input_data}
