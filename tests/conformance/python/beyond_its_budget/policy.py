"""Uses more than a policy may."""


class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters):
        pass

    def eval(self, parameters, input_data, context):
        return getattr(self, input_data)()

    def loop(self):
        while True:
            pass

    def recurse(self):
        return self.recurse()

    def allocate(self):
        kept = []
        while True:
            kept.append("x" * 1_000_000 + str(len(kept)))

    def join(self):
        part = "x" * 1_000_000
        return len("".join([part] * 10_000_000))

    def power(self):
        return 7 ** 10 ** 9 % 10

    def return_much(self):
        return "x" * 2_000_000

    def return_deep(self):
        value = []
        for _ in range(10_000):
            value = [value]
        return value

    def return_itself(self):
        value = []
        value.append(value)
        return value

    def print_without_end(self):
        while True:
            print("x" * 1_000)

    def nothing(self):
        return "fine"
