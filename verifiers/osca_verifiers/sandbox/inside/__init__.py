"""What runs inside a sandbox: the standard library alone, and nothing that is secret.

None of it is trusted from outside. What comes out is data, and is judged outside.
"""
