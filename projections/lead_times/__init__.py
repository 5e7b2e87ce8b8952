"""How long does a push wait for whom?"""
