"""From the arguments of ``latelier train`` to a trained run."""
