"""Prints, which nobody but its reader sees."""


class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters):
        print("made")

    def eval(self, parameters, input_data, context):
        for line in input_data:
            print(line, end=" ")
        print()
        if parameters.get("as") == "set":
            return set(input_data)
        return len(input_data)
