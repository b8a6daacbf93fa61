"""A trained model: how a row becomes numbers, how numbers become an answer. Travels inside the model's folder."""
