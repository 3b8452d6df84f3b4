"""The same small programs run through typedbridge and through asgiref, outcomes compared."""
