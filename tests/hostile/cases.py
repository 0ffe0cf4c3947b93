import os, json, shlex
from pathlib import Path
BASE = Path("/tmp/h/base-hostile")
def all_cases():
    from hostile import test_arguments as a
    for verb, place, values in a.places():
        for i, v in enumerate(values):
            yield f"{verb}-{place.strip('-')}-{i}", (lambda work: None), a.command(verb, place, v)
    from hostile import test_contents as c
    for name, kind in c.KINDS.items():
        for value in kind.values:
            def make(work, name=name, value=value):
                words[:] = c.prepared(name, value)
            words = []
            yield f"content-{name}-{value}", make, words

    from hostile import test_fields as f
    from hostile.fields import FOREIGN
    for name, (_, fields) in f.FIELDS.items():
        for field, kind in fields.items():
            for number, value in enumerate(FOREIGN[kind]):
                words = []
                def make(work, name=name, field=field, value=value, words=words):
                    words[:] = f.prepared(name, field, value)
                yield f"field-{name.strip('-*')}:{field}-{number}", make, words
