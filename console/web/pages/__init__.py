"""The pages for people: their routes and what each shows."""
