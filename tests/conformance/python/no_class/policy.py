"""Has no policy class."""


def eval(parameters, input_data, context):
    return {"allowed": True}
