"""``migrate``: a code base's imports of asgiref's bridges, turned into typedbridge's."""
