// What the SDK asks of its surroundings and React Native does not bring: random numbers.
import "react-native-get-random-values";
