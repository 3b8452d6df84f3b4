"""``doctor``: is this project set up so that typedbridge can do what it promises?"""
