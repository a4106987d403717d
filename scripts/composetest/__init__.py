"""What scripts/compose-test is made of: the stack under test, orders, books and faults."""
