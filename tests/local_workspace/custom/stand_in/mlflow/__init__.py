"""As much of MLflow as a model's process asks for, in a hundredth of its time.

What becomes of a process whose model crashes, hangs or talks too much has nothing to do with MLflow, and MLflow takes
seconds to load. What MLflow itself does is shown with MLflow, by test_custom_models.py.
"""
