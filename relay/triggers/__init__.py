"""Carry triggers from session to session, remember them, and bring every question to an end."""
