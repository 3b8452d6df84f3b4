"""The commands of ``python -m typedbridge``; each module or package here is one, or what they share."""
