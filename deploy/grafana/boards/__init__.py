"""The dashboards as code: one module for each, and what they share. Plain Python; `make_dashboards.py` writes the JSON.

Grafana's classic dashboard model, as Grafana 11 to 13 read it.
"""
