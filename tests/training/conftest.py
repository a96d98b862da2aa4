from hypothesis import settings

# A shared machine may pause a test for longer than Hypothesis allows an example.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")
