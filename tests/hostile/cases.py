import os, json, shlex
from pathlib import Path
BASE = Path("/tmp/h/base-hostile")
def all_cases():
    from hostile import test_arguments as a
    from hostile import fields as f
    for verb, place, values in a.places():
        for i, v in enumerate(values):
            yield f"{verb}-{place.strip('-')}-{i}", (lambda work: None), a.command(verb, place, v)
    goon = "train --out run --resume --steps 3 --quiet"
    for glob, words in (("config.json", goon), ("state-*", goon), ("weights-*", "score run --only reconstruction --quiet"), ("manifest-*", goon), ("scores.json", "score run --only reconstruction --quiet"),):
        file = sorted((BASE/"run").glob(glob))[-1]
        note = f.note_of(file)
        for leaf in f.places(note):
            for i, new in enumerate(f.ODD):
                def make(work, glob=glob, leaf=leaf, new=new):
                    for path in sorted((work/"run").glob(glob)):
                        if not glob.startswith("manifest") or True:
                            try: f.stamp(path, f.replaced(f.note_of(path), leaf, new))
                            except (KeyError, IndexError): path.unlink()
                yield f"field-{glob.strip('-*')}-{'.'.join(map(str, leaf))}-{i}", make, shlex.split(words)

    from hostile import test_contents as c
    for name, kind in c.KINDS.items():
        for value in kind.values:
            def make(work, name=name, value=value):
                words[:] = c.prepared(name, value)
            words = []
            yield f"content-{name}-{value}", make, words
