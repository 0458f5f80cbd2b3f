"""Use cases: what people and machines do with texts.

Session, gateway, port and clock arrive as arguments. Services flush and never commit;
where a use case needs several transactions, its docstring says so.
"""
