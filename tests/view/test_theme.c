/* Colours can be read, by day and by night, and by people who do not tell red from green. */
#include <math.h>

#include "kit/kit.h"
#include "view/theme.h"

static const Theme *const themes[] = {&theme_day, &theme_night};
enum { THEMES = sizeof themes / sizeof *themes };

/* Black on white is the largest contrast that there is: 21 to 1. */
START_TEST(contrast_is_that_of_the_standard)
{
    ck_assert_double_eq_tol(ink_contrast(0x000000ff, 0xffffffff), 21, 1e-12);
    ck_assert_double_eq_tol(ink_contrast(0xffffffff, 0x000000ff), 21, 1e-12);
    ck_assert_double_eq_tol(ink_contrast(0x123456ff, 0x123456ff), 1, 1e-12);
    ck_assert_double_eq_tol(ink_contrast(0x777777ff, 0xffffffff), 4.48, 0.005);  // the grey that just fails, as everybody knows it
}
END_TEST

static void check_texts(const Theme *theme)
{
    const Ink grounds[] = {theme->panel, theme->raised, theme->chosen};
    const Ink texts[] = {theme->text, theme->muted, theme->accent, theme->good, theme->severity[0], theme->severity[1], theme->severity[2], theme->severity[3]};
    for (size_t g = 0; g < sizeof grounds / sizeof *grounds; g++)
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
            ck_assert_msg(ink_contrast(texts[t], grounds[g]) >= 4.5, "text %zu on ground %zu: %.2f", t, g, ink_contrast(texts[t], grounds[g]));
}

START_TEST(every_text_can_be_read_on_every_ground)
{
    check_texts(&theme_day);
    check_texts(&theme_night);
}
END_TEST

/* WCAG 1.4.11: what is drawn and means something, 3 to 1. */
START_TEST(every_line_of_a_chart_stands_out_from_the_panel)
{
    for (int t = 0; t < THEMES; t++) {
        for (int hue = 0; hue < THEME_HUES; hue++)
            ck_assert_double_ge(ink_contrast(themes[t]->hue[hue], themes[t]->panel), 3);
        ck_assert_double_ge(ink_contrast(themes[t]->limit, themes[t]->panel), 3);
    }
}
END_TEST

// --- colour vision --------------------------------------------------------------------------------------------------

typedef struct Seen {
    double channel[3];
} Seen;

static double linear(Ink channel)
{
    const double value = (channel & 0xff) / 255.0;
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

/* What is left of a colour: Machado, Oliveira and Fernandes (2009), severity 1, on linear light. */
static Seen see(Ink ink, int kind)
{
    static const double kinds[4][3][3] = {
        {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
        {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},  // no red
        {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},   // no green
        {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},  // no blue
    };
    const double light[3] = {linear(ink >> 24), linear(ink >> 16), linear(ink >> 8)};
    Seen seen = {{0}};
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            seen.channel[i] += kinds[kind][i][k] * light[k];
    return seen;
}

/* CIE 1976 L*a*b* for D65. */
static Seen lab(Seen rgb)
{
    static const double to_xyz[3][3] = {{0.4124564, 0.3575761, 0.1804375}, {0.2126729, 0.7151522, 0.0721750}, {0.0193339, 0.1191920, 0.9503041}};
    static const double white[3] = {0.95047, 1, 1.08883};
    double f[3];
    for (int i = 0; i < 3; i++) {
        double sum = 0;
        for (int k = 0; k < 3; k++)
            sum += to_xyz[i][k] * rgb.channel[k];
        sum = fmax(sum, 0) / white[i];
        f[i] = sum > 216.0 / 24389 ? cbrt(sum) : (24389.0 / 27 * sum + 16) / 116;
    }
    return (Seen){{116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])}};
}

static double difference(Ink a, Ink b, int kind)
{
    const Seen one = lab(see(a, kind)), other = lab(see(b, kind));
    return sqrt(pow(one.channel[0] - other.channel[0], 2) + pow(one.channel[1] - other.channel[1], 2) + pow(one.channel[2] - other.channel[2], 2));
}

/* A difference of 2.3 is just noticed where colours touch; thin lines apart from each other need several times that. */
START_TEST(lines_of_a_chart_differ_for_all_kinds_of_colour_vision)
{
    for (int t = 0; t < THEMES; t++)
        for (int kind = 0; kind < 4; kind++)
            for (int a = 0; a < THEME_HUES; a++)
                for (int b = 0; b < a; b++) {
                    const double apart = difference(themes[t]->hue[a], themes[t]->hue[b], kind);
                    ck_assert_msg(apart > 10, "theme %d, hues %d and %d, vision %d: %.1f", t, a, b, kind, apart);
                }
}
END_TEST

START_TEST(fading_leaves_the_hue)
{
    ck_assert_uint_eq(ink_faded(0x123456ff, 0), 0x12345600);
    ck_assert_uint_eq(ink_faded(0x123456ff, 1), 0x123456ff);
    ck_assert_uint_eq(ink_faded(0x12345680, 0.5), 0x12345640);
}
END_TEST

KIT_MAIN("view.theme", contrast_is_that_of_the_standard, every_text_can_be_read_on_every_ground, every_line_of_a_chart_stands_out_from_the_panel,
         lines_of_a_chart_differ_for_all_kinds_of_colour_vision, fading_leaves_the_hue)
