"""What is in the inventory, counted?"""
