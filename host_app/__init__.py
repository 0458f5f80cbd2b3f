"""A small, real billing portal that shows how sms_plugin is installed and used.

Read in this order: ``app.py`` (where the plugin is switched on), ``port.py`` (what the
plugin asks of a portal; the file to copy), ``texting.py`` (the two calls the portal
makes). The rest is an ordinary portal that knows nothing of texts: ``provider/`` for
staff, ``patient/`` for patients, ``seed*.py`` with the demo's data, and ``demo/``,
which runs it all beside a simulated carrier.
"""
