"""A page on which codes can be touched: a small server, and one module a panel on each side.

Nothing here knows a model by name. A panel asks for capabilities, so a new model gets its page for nothing.
"""
