"""Sweeps: chapters run over seeds and a grid of parameters, here or on a cluster; what is stored of them."""
