"""What expires when, where is it in use, and has it been renewed?"""
