"""What runs and consoles share: runs, requests for approval, decisions, people. Importing this package does nothing."""
