"""Questions about pictures, recordings and PDFs: ready forms, what they show a model, how its answers are checked."""
