"""scikit-learn's own checks of what is pretrained."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from diabolo import Training
from diabolo.estimators.pretraining.classifier import Classifier
from diabolo.estimators.pretraining.pretrainer import Pretrainer
from diabolo.estimators.pretraining.regressor import Regressor
from diabolo.estimators.pretraining.tuning import Tuning

QUICK = Training(steps=10)
SHORT = Tuning(steps=30)


@parametrize_with_checks(
    [
        Pretrainer(2, training=QUICK),
        Classifier(2, training=QUICK, tuning=SHORT),
        Regressor(training=QUICK, tuning=Tuning(steps=60)),
    ]
)
def test_common_checks(estimator, check):
    check(estimator)
