"""A trained model: how a row becomes numbers, how numbers become an answer; it travels with the model."""
