"""The services that carry texts, behind one contract.

``base`` is the contract, ``registry`` builds a gateway by name, ``twilio`` is the real
one and ``memory`` the one for tests. A gateway's own words end in its module.
"""
